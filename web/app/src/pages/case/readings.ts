// To whom it falls to settle a finding, both readers' outlines are shown while they decide.
import { useMemo } from "preact/hooks";
import { api } from "../../api/client";
import { useLoad } from "../../parts/load";
import { type TwoReadings, twoReadings } from "../compare/readings";
import { type Row, settles } from "./model";

export function useTwoReadings(caseId: string, rows: Row[], chosen: Row | null): TwoReadings | null {
  const disputed = rows.filter((row) => settles(row.finding)).length;
  const compared = useLoad(async () => (disputed > 0 ? api.comparison(caseId) : null), [caseId, disputed]);
  return useMemo(() => {
    const one = compared.value?.disputed.find(({ id }) => id === chosen?.finding.id);
    return one && compared.value && !chosen?.sending ? twoReadings(one, compared.value.pairs) : null;
  }, [compared.value, chosen]);
}
