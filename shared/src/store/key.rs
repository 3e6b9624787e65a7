//! Every key of every item; nothing else builds one.
