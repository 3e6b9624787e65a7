//! Mails: what is said to whom, and how it leaves.
