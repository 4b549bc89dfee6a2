"""`flask --app sandbox lint`: a whole CDS server, called for each patient, and judged."""
