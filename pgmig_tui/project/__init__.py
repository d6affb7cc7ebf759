"""What the checkout says: sqitch.conf, sqitch.plan, pgmig.toml and scripts."""
