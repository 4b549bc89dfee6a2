"""FHIR R4: what we read (records, bundle), how we fetch it (transport), what we send (drafts)."""
