"""HTTP without FHIR: sockets, requests, answers, and the ways in which an answer can be spoilt."""
