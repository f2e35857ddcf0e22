"""What the studio answers beside Streamlit's pages: sign-in, files, and an API."""
