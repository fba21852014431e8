"""Joins a widget's page code into one module and one style sheet, because anywidget takes one of each.

Only checkouts and wheel builds need this. A wheel holds the joined texts instead of these modules, so users need no
parser.
"""
