/** The names used in the synthetic world: tastes with their interests, categories, and traits. */

/**
 * The tastes that people can have. A number says how strong a person's taste is. A person's interests reveal the
 * person's tastes.
 */
export const TASTES = {
  outdoors: ['hiking', 'camping', 'fishing', 'climbing', 'gardening', 'birdwatching'],
  sport: ['football', 'running', 'cycling', 'swimming', 'yoga', 'weightlifting'],
  gaming: ['console_games', 'esports', 'board_games', 'chess', 'streaming', 'role_playing'],
  fashion: ['streetwear', 'jewellery', 'make_up', 'sneakers', 'vintage_clothes', 'design'],
  food: ['baking', 'wine', 'barbecue', 'vegan_food', 'restaurants', 'coffee'],
  travel: ['city_trips', 'beaches', 'backpacking', 'cruises', 'languages', 'photography'],
  family: ['parenting', 'toys', 'pets', 'home_decor', 'do_it_yourself', 'crafts'],
  technology: ['smartphones', 'programming', 'electric_cars', 'smart_home', 'robotics', 'science'],
  music: ['rock', 'hip_hop', 'classical', 'festivals', 'guitar', 'vinyl'],
  money: ['investing', 'real_estate', 'start_ups', 'insurance', 'savings', 'careers'],
} as const;

/** Product categories of campaigns, with the tastes that they appeal to, strongest first. */
export const CATEGORIES: Readonly<Record<string, readonly (keyof typeof TASTES)[]>> = {
  hiking_boots: ['outdoors', 'sport'],
  tents: ['outdoors', 'travel'],
  running_shoes: ['sport', 'fashion'],
  gym: ['sport', 'food'],
  video_game: ['gaming', 'technology'],
  headset: ['gaming', 'music'],
  handbag: ['fashion', 'travel'],
  cosmetics: ['fashion', 'family'],
  meal_kit: ['food', 'family'],
  wine_club: ['food', 'money'],
  flights: ['travel', 'money'],
  hotel: ['travel', 'family'],
  toys: ['family', 'gaming'],
  furniture: ['family', 'fashion'],
  laptop: ['technology', 'gaming'],
  electric_car: ['technology', 'money'],
  concert: ['music', 'travel'],
  guitar: ['music', 'technology'],
  bank_account: ['money', 'family'],
  broker: ['money', 'technology'],
};

export const AGE_BANDS = ['18-24', '25-34', '35-44', '45-54', '55-64', '65+'];
export const OCCUPATIONS = [
  'student',
  'teacher',
  'nurse',
  'engineer',
  'clerk',
  'manager',
  'artist',
  'driver',
  'farmer',
  'chef',
  'retired',
  'developer',
];
export const COUNTRIES = [
  'Austria',
  'Brazil',
  'Canada',
  'Denmark',
  'Egypt',
  'France',
  'Ghana',
  'India',
  'Japan',
  'Kenya',
];
export const CITIES_PER_COUNTRY = 6;
export const DEVICES = ['android', 'iphone', 'tablet', 'windows', 'mac', 'television'];
export const HOURS = ['early_morning', 'morning', 'noon', 'afternoon', 'evening', 'night', 'weekend'];
export const SEASONS = ['spring', 'summer', 'autumn', 'winter'];
export const BRANDS_PER_TASTE = 20;
/** The share of a person's traits that is unknown. */
export const MISSING_SHARE = 0.05;

export const TASTE_NAMES = Object.keys(TASTES) as (keyof typeof TASTES)[];
export const CATEGORY_NAMES = Object.keys(CATEGORIES);
/** The number of tastes. */
export const TASTE_COUNT = TASTE_NAMES.length;
