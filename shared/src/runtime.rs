//! Cold start: reads the environment once, builds the clients, hands a router to Lambda.
