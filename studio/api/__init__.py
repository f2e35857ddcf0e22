"""HTTP: sign-in, files and the API for programs. No Streamlit."""
