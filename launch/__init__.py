"""SMART App Launch: the clinician opens our app inside the EHR, on this patient."""
