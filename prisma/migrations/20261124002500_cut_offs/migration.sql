-- A cut-off may lie in the past, when a file says it: what was leased later lives on. Five minutes are for clocks that differ;
-- a block dies whole, with what was issued of it after the cut-off. Whatever is disabled, deleted, revoked or withdrawn loses all.
CREATE OR REPLACE FUNCTION "signet_revoke_blocks"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  old_row JSONB := to_jsonb(OLD);
  new_row JSONB := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(NEW) ELSE '{}' END;
  is_moved BOOLEAN := old_row ->> 'tokens_revoked_before' IS DISTINCT FROM new_row ->> 'tokens_revoked_before';
  leased_by TIMESTAMPTZ := CASE
    WHEN TG_OP = 'UPDATE' AND is_moved AND old_row ->> 'disabled_at' IS NOT DISTINCT FROM new_row ->> 'disabled_at'
      THEN (new_row ->> 'tokens_revoked_before')::timestamptz + interval '5 minutes'
    ELSE 'infinity'
  END;
BEGIN
  EXECUTE 'INSERT INTO revoked_indexes (list_id, first_index, last_index)
    SELECT list_id, first_index, last_index FROM status_blocks WHERE ' || TG_ARGV[0] || ' AND leased_at <= $2 ON CONFLICT DO NOTHING' USING old_row, leased_by;
  RETURN NULL;
END $$;
