"""pgmig-tui: interactive PostgreSQL schema migrations on Sqitch projects."""

__version__ = "0.1.0"
