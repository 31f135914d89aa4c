"""Write a reference of the schema for people: Markdown pages with diagrams, from a scratch database.

``build`` makes facts from files, ``diagram`` chooses what a picture shows, ``page`` and ``index`` write
Markdown, ``mermaid`` and ``dot`` write diagrams (``label`` what stands in their boxes), ``picture`` draws
them, ``sheet`` puts the parts of a picture together, ``shelf`` puts it all on disk.
"""
