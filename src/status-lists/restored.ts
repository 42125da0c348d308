/**
 * A database that was restored does not know which indexes were leased after the backup was made. Tokens may have them,
 * which no revocation would find, so they are revoked: what is not leased is nobody's.
 */

/** For every list, what is before, between and after its blocks. */
export const revokeUnleased = `
  INSERT INTO revoked_indexes (list_id, first_index, last_index)
  SELECT list_id, after_index + 1, first_index - 1 FROM (
    SELECT list_id, first_index, coalesce(lag(last_index) OVER (PARTITION BY list_id ORDER BY first_index), -1) AS after_index FROM status_blocks
  ) AS gaps WHERE after_index + 1 < first_index
  UNION ALL
  SELECT id, coalesce(max(last_index), -1) + 1, 1048575 FROM status_lists LEFT JOIN status_blocks ON list_id = id
    GROUP BY id HAVING coalesce(max(last_index), -1) < 1048575
  ON CONFLICT DO NOTHING`

export const revokeWholeLists = 'INSERT INTO revoked_indexes (list_id, first_index, last_index) SELECT id, 0, 1048575 FROM status_lists ON CONFLICT DO NOTHING'
