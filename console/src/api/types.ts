/** Short names for the API's types, all generated from openapi.yaml. */
import type { components, paths } from '../../generated/openapi.d.ts';

type Schemas = components['schemas'];

export type Caller = Schemas['Caller'];
export type Scope = Caller['scope'];
export type Campaign = Schemas['Campaign'];
export type CampaignQuery = NonNullable<paths['/v1/campaigns']['get']['parameters']['query']>;
export type CampaignStatus = Schemas['CampaignStatus'];
export type PopulationVersion = Schemas['PopulationVersion'];
export type PopulationDetail = Schemas['PopulationDetail'];
export type PopulationChanges = Schemas['PopulationChanges'];
export type ModelVersion = Schemas['ModelVersion'];
export type ModelCheck = NonNullable<ModelVersion['check']>;
export type CurrentModel = Schemas['CurrentModel'];
export type Evaluation = NonNullable<CurrentModel['evaluation']>;
export type Status = Schemas['Status'];
export type CampaignState = NonNullable<Campaign['state']>;
export type Verdict = NonNullable<NonNullable<NonNullable<Campaign['quality']>['prediction']>['verdict']>;
export type QualityReport = Schemas['QualityReport'];
export type LiftReport = Schemas['LiftReport'];
export type Receipt = Schemas['Receipt'];
export type LiftEffect = Schemas['LiftEffect'];
export type OverlapReport = Schemas['AudienceOverlap'];
export type Explanation = Schemas['Explanation'];
export type AudienceVersion = Schemas['AudienceVersion'];
export type UserSet = Schemas['UserSet'];
export type Destination = Schemas['Destination'];
export type DestinationDelivery = Schemas['Delivery'];
export type DestinationInput = components['requestBodies']['DestinationCreate']['content']['application/json'];
export type Estimate = Schemas['Estimate'];
export type CurrentPopulation = Schemas['CurrentPopulation'];
/** The body of a campaign update. */
export type CampaignInputs = components['requestBodies']['CampaignUpdate']['content']['application/json'];
