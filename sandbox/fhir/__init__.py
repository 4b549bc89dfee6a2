"""The FHIR R4 server: a store of resources, its searches, and who may see what of it."""
