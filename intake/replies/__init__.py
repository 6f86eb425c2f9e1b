"""Replies: from a case to a draft in the manager's Drafts folder, or to a letter on paper."""
