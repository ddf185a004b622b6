"""What a repository of ours holds, on disk and on the Hugging Face Hub: reading and writing it."""
