"""What any web service needs: settings, trust records, errors, headers."""
