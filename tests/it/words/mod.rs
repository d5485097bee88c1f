//! What is said in every language: that each text of the sources has its messages, that nothing is shown which cannot be
//! said in another language, and that everybody is spoken to in theirs.

mod messages;
mod pages;
mod scan;
mod unsaid;
