"""The figures of record, one file a chapter: tables are computed, then drawn."""
