"""The ten stages of a call, one file each, put in order by `proxy/pipeline.py`.

receive, identify → admit → guard → recall → route → render → send → translate → settle
"""
