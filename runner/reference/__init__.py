"""Write a reference of the schema for people: Markdown pages with diagrams, from a scratch database.

``build`` makes facts from files, ``diagram`` chooses what a picture shows, ``page`` and ``index`` write
Markdown, ``mermaid`` and ``dot`` write diagrams, ``picture`` draws them, ``shelf`` puts it all on disk.
"""
