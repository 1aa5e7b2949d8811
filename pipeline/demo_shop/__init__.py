"""The built-in shop: a seeded simulator with known truth; times inside are float days since 1970, UTC."""
