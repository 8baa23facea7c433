"""Supabase's REST API, which is PostgREST: https://docs.postgrest.org."""
