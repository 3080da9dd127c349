export { askWorkflow } from './ask.ts'
export { linkWorkflow } from './link.ts'
export { runWorkflow } from './run.ts'
