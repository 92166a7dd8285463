"""The heads pane: the one table of the scores of all heads.

conditions: What is typed to filter heads: conditions on columns, or one sentence on what is wrong.
head_controls: What filters and sorts the table, and which columns it has.
head_rows: What the table says at the moment: columns, numbers, which heads, and in which order.
head_table: The table as Qt's views read it: a row for each head, and what colours its cells.
head_view: The table on screen: rows that are selected, sorted, and looked at by mouse and keyboard.
heads: Heads: the one table of the scores of all heads, sorted, filtered, linked.
"""
