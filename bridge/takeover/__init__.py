"""Taking over what the old addon PUQ Customization left: its IP pools and DNS zones.

`columns` makes rows of ours out of rows whose columns nobody has documented; `tables` finds those rows and stores ours, once.
"""
