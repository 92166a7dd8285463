"""Session files: all that a user works on, as a `.lens` file, read and written.

array_files: Arrays as members of a session file, each named by what it holds.
bounds: Numbers, words and lists of a session file, each with its bounds.
container: The zip that a session file is: members by name, none of whose sizes is believed.
conversion: From the app's values to what a session file holds, and back.
decoding: How the JSON of a session file is read, and where something in it is odd.
fitting: Whether a stored answer fits its question, and its arrays its axes.
late: Session files, for a window that starts before it needs them: imported at the first call.
manifest: What a session file says in words: every type with its bounds.
pictures: Sessions that travel in pictures: a chunk of a PNG file, or an element of an SVG file.
saved: What a session file holds, as values of the app.
sections: The manifest of a session file, section by section: written, and read.
sessions: A session file read and written: the way in.
stored: Questions and answers, as a session file keeps them.
"""
