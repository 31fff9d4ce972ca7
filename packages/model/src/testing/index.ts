export {
  MOCK_NOW,
  type MockAllocOptions,
  mockAlloc,
  mockAllocatedResources,
  mockDeployment,
  mockDeploymentState,
  mockEval,
  mockId,
  mockJob,
  mockMetric,
  mockNode,
  mockReport,
  mockResources,
  mockTask,
  mockTaskGroup,
} from "./factories.ts";
export { mockService, mockServiceCheck } from "./mock-services.ts";
