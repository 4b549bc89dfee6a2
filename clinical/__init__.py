"""Medicine: findings, charts and checks. Knows no web, no clock and no database."""
