"""Pictures that are taken home: one value from which come files of every format.

drawing: A figure as marks on a sheet, and these as pixels, SVG and PDF.
figure: A picture that is taken home: its data, what it is drawn of, its caption and where it is
    from.
files: Figures as files: one function for every format, whole files or none, and sessions in
    them.
numbers: The numbers of a figure as CSV and NPZ files, and read again.
page: Scenes as one HTML page that needs nothing else: pictures, values under the pointer, tables.
pointing: What is under a place of a drawing: its numbers in words, what a click selects, its
    outline.
reveal: A drawing shown bit by bit: layers from the first on, or what is largest first.
shown: From what a pane shows to figures: captions that write themselves, and provenance.
slides: Scenes as sheets of a deck: the prompt, one or two figures, what is said.
"""
