"""HTTP without FHIR: sockets, answers, and the ways in which an answer can be spoilt."""
