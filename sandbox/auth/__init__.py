"""The development EHR's authorization server: SMART App Launch 2.2, strict, all of it in memory."""
