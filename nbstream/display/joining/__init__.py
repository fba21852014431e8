"""Joins what a widget's page code imports into one text, because anywidget takes one module and one style sheet.

Checkouts and builds of a wheel only. A wheel holds the joined texts instead of these modules, so it needs no parser.
"""
