"""Reports: text tables for people, JSON documents for tools."""
