"""Pages and the words on them: what signing in and the desk have in common."""
