"""The start page.

start: Examples with their tours, the files that were open last, and models.
"""
