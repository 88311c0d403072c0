//! Hostile company: nothing hangs, no secret leaves, and nothing is written but the token file.

mod neighbours;
mod upstream;
