// How the list of cases in the folder of slides stands.
import type { CaseList } from "../../api/register";
import { useSay } from "../../words";

export function ListProblems({ list }: { list: CaseList }) {
  const say = useSay();
  if (!list.present) return null;
  return (
    <section class="card">
      <h2>cases.csv</h2>
      <p class="quiet">{say("listStanding", { cases: list.cases, waiting: list.waiting })}</p>
      {list.problems.length > 0 && (
        <>
          <p role="alert">{say("listProblems")}</p>
          <ul class="list-problems">
            {list.problems.slice(0, 100).map((problem) => (
              <li key={`${problem.line} ${problem.what}`}>
                {say("listLine", { line: problem.line })}: {problem.what}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
