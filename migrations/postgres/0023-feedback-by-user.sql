-- expand: an index that finds the feedback of users who are erased

CREATE INDEX CONCURRENTLY IF NOT EXISTS feedback_by_user ON feedback (user_id);
