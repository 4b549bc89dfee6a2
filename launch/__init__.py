"""SMART App Launch: the clinician opens our app inside the EHR, on this patient.

routes -> waiting -> discovery -> authorize -> (the EHR) -> arrival -> tokens, identity -> session;
then app_routes -> renewal -> reader -> overview. What the browser holds is in cookies, what we hold
in `store/pending.py` and `store/launches.py`, and every way to fail has a page in `pages`.
"""
