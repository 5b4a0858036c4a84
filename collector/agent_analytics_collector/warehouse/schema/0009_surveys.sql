-- What developers say that agents saved them: an answer a row, as a range of hours, without text.
-- An older file never asked.
CREATE TABLE raw_surveys (
    survey_id VARCHAR NOT NULL,
    developer_id VARCHAR,
    period_start DATE NOT NULL,
    period_end DATE NOT NULL,
    hours_saved_low DOUBLE NOT NULL,
    hours_saved_high DOUBLE NOT NULL,
    helped INTEGER,
    answered_at TIMESTAMPTZ NOT NULL,
    record_key UUID NOT NULL,
    batch_id BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
