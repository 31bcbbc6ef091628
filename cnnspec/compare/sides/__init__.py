"""Who is compared: two backends under settings, their networks, and what they have answered."""
