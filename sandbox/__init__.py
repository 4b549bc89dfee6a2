"""The development EHR: a second process that speaks to Chartside over HTTP only.

Nothing of Chartside imports this package, and it imports nothing of Chartside: what passes between
them is what passes between Chartside and any EHR.
"""
