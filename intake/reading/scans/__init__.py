"""What a scan says, in a process of its own: every page looked at, bar codes read, letters parted, text recognised.

`python -m intake.reading.scans FOLDER` reads the job that lies in the folder and leaves the outcome there. Nothing in
here runs in the process of the service, which never parses a scan (`intake.reading.recognition` starts the child).

    job.py      the job, the limits and the outcome, as they cross the process boundary
    guard.py    what the child may use, and that it ends with its parent
    formats.py  PDF, TIFF, JPEG or PNG by the first bytes
    pictures.py pictures → pages of a PDF
    sources.py  the files of a scan → one PDF of clean pages
    pages.py    a page: its own text, its raster, blank or not, what Tesseract has to do
    codes.py    bar codes and separator sheets → which pages make which letter
    engine.py   Tesseract under OCRmyPDF, keeping the words' confidence
    letters.py  the pages of one letter → its text and its reading copy
    work.py     the order of it all
"""
