"""A figure as marks on a sheet, and these as pixels, SVG and PDF.

cells: Heatmaps and small squares of a figure as marks.
layout: From a figure to a drawing: title, panels, colour bar and caption on one sheet.
lines: Numbers by layer of a figure as lines, with a key below.
marks: What a figure is drawn of: a flat list of marks in points, the same for every file
    format.
markup: Text as XML and HTML have it: the one place where it is escaped.
painting: A drawing on anything that Qt paints on: pixels, the clipboard, a PDF file.
plots: Points, bars and lines of a figure as marks.
raster: PNG files: pixels, and named texts and bytes beside them.
style: How figures are drawn: their width, the size of their text, their colours.
svg: A drawing as an SVG file: its text as text that any program can edit, or as outlines.
text: Coloured text and tables of a figure as marks.
webs: Nodes and edges of a figure as marks.
"""
