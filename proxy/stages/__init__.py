"""The eleven stages of a call, one file each, put in order by `proxy/pipeline.py`.

receive, identify → admit → guard → park → recall → route → render → send → translate → settle
"""
