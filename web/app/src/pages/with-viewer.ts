// The pages that show slides, in one file of the build: the viewer is the heavy half of the app.
import "ol/ol.css";

export { CasePage } from "./case/index";
export { Compare } from "./compare/index";
