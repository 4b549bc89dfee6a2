"""The CDS Hooks client of the development EHR. CDS Hooks 2.0, and 3.0 where it goes further."""
