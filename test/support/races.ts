/** How often 50 replays race each other: `REPLAY_RACES=100 npm test -- -t S29` for a longer run. */
export const replayRaces = Number(process.env['REPLAY_RACES'] ?? 2)
