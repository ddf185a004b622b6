"""Repositories on disk and on the Hugging Face Hub: loading, saving, uploading, model cards."""
