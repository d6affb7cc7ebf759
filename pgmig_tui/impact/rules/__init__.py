"""The rules, one file a statement family; `dispatch` finds the one for a parse tree.

A rule is a function (node, scene, effect): it reads the tree and the catalog of that moment, writes what happens into
the effect, and carries its own changes forward in the catalog.
"""
